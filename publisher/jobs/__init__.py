"""What a service repeats: its turns, and the two engines that start them."""
