"""Users, organizations and memberships, and the sessions, links and keys by which callers are known."""
