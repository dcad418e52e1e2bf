"""What runs together: the stack's description, launch, processes, the client of the picks."""
