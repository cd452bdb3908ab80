"""What every domain stands on: models, the transaction, the change log, queries."""
