"""The 18 points: tables, files, repair, smoothing, retargeting, heatmaps and drawing."""
