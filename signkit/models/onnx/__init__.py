"""Trained models as ONNX graphs that hold their preprocessing, for use without signkit and torch.

    graphs.py           which models can be exported, and the module that is traced of each
    landmark_graph.py   from the points of a clip to log-probabilities
    image_graph.py      from the pixels of an image of any size to log-probabilities
    trace.py            from a module to the bytes of a graph
    smaller.py          weights in 16 or 8 bits
    cases.py            the inputs that a graph is checked on, and what the model makes of them
    folder.py, card.py  the folder: the graph, its description, golden values, a model card
    names.py            the names of these files
    read.py             the folder as a model that predicts through onnxruntime

onnx and onnxruntime are imported when they are needed: they come with the extra ``web``.
"""
