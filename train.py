import pathlib, runpy, sys  # noqa: E401

sys.argv[1:1] = ["train"]; sys.path.insert(0, str(pathlib.Path(__file__).parent / "src")); runpy.run_module("swaram", run_name="__main__")  # noqa: E501, E702
