"""Where data lie that are in no file of this machine: databases, web servers, object stores."""
