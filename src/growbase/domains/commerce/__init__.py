"""Commerce: stores with their orders' flags, the support desk, what sells, and what is bought in."""
