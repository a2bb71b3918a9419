"""The operator's questions and actions. The command line and the console are two interfaces to them."""
