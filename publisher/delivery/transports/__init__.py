"""What takes messages away: the seam (`base`), and the folder that is the default."""
