"""Steadying what upscalers paint anew in every frame."""
