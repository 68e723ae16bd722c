"""What a user sees in ComfyUI: node schemas, tooltips, and the hand-over to the rooms below."""
