"""What exactly is the input? Its digest keys everything after it."""
