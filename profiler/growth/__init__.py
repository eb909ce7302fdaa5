"""Growing data: what is new, who drifted, whom to ask again, which interests come and go."""
