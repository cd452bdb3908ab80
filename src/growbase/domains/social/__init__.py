"""Social: what is said, by which rules, on which accounts, when it is published and what came of it."""
