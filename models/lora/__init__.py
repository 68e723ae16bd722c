"""LoRA files for SVD: every dialect read into one naming, and written back."""
