"""Social publishing: what is posted where and when, and what it achieved."""
