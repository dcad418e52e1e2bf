"""What every learned detector shares, whatever its network predicts: it knows no maps."""
