"""Running Growbase: migrations, drift, status, seeds. Settings and databases come as parameters."""
