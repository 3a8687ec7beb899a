"""What a charge point is: its status, session, state and limits. Pure: values in, values out."""
