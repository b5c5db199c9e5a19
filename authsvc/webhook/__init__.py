"""Events on their way to the payment backends' own addresses: signed, repeated, in order where that is possible."""
