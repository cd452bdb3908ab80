"""Marketing: brands, campaigns with their journeys and contents, templates, and what people did with them."""
