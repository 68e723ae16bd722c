"""Weights: recognise, load, describe and patch the networks of Stable Video Diffusion."""
