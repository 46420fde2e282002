import pathlib, runpy, sys
sys.argv[1:1] = ["speak"]; sys.path.insert(0, str(pathlib.Path(__file__).parent / "src")); runpy.run_module("swaram", run_name="__main__")
