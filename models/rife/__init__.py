"""RIFE 4, which draws the frame between two others (Huang et al., ECCV 2022; Practical-RIFE)."""
