"""`python -m sleepbalance` is the command itself."""

from sleepbalance.cli import main

if __name__ == "__main__":
    main()
