"""The HTTP skin: routes over the resource registry, problems for errors, nothing that decides."""
