"""Growing data: new interactions, what they change, and two stores compared."""
