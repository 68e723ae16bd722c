"""Frames after the decode: from tensors in 0..1 to a finished film."""
