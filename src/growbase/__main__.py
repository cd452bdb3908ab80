"""``python -m growbase`` is the same as ``growbase``."""

from growbase.cli import main

if __name__ == "__main__":
    main()
