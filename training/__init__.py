"""Making weights: data, objective, optimiser and the recipe of the built-in miniature model."""
