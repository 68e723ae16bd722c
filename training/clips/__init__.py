"""From films and pictures of the user's to a folder of encoded training clips."""
