"""What an operator asks and does. The command line and the console are two faces over it."""
