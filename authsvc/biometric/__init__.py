"""What face and voice share: the words of a comparison, manifests and weights of models, operating points, arrays.

For both rooms, their workers and the lab. `words`, `manifest`, `weights`, `det` and `drift` load nothing heavy; `vectors` and
`network` bring numpy with them; `model_store/` fetches and converts weights, at `authsvc models` and never on a request.
"""
