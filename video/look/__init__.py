"""Colour and finish: what every frame goes through last."""
