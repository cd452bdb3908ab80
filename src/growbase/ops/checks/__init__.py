"""What doctor looks at: small independent checks, each yielding what it finds and silent where all is well."""
