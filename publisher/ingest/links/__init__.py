"""Links between documents, and the addresses at which their pages stood: what they mean, and their rows."""
