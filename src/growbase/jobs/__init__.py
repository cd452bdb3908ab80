"""Background work: rows in the same database, claimed by workers under a lease."""
