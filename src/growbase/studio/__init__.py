"""Studio: the web pages over the same queries and actions as the API, made from the resource registry."""
