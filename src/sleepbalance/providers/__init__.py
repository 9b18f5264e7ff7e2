"""One folder per maker; nothing outside a folder names its maker."""
