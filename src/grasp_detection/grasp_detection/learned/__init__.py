"""Networks that predict a grasp for every pixel: maps, their targets, and what they say."""
