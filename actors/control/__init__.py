"""What an operator can see and do: the shell's commands, carried out beside the actors and without their help."""
