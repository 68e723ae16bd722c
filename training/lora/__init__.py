"""Training a LoRA on encoded clips."""
