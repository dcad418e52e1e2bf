"""Install grasp_ros into a colcon workspace."""

from setuptools import find_packages, setup

NAME = "grasp_ros"

setup(
    name=NAME,
    version="0.1.0",
    maintainer="Grasp stack maintainers",
    maintainer_email="maintainers@grasp-stack.invalid",
    license="Apache-2.0",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    zip_safe=False,
    entry_points={"console_scripts": ["calibration_node = grasp_ros.calibration_node:main"]},
)
