"""Commands from what callers sent: each field checked, the first that is wrong refused with its code."""
