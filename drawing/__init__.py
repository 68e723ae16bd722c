"""Pictures for people: lines, axes and words, drawn with OpenCV."""
