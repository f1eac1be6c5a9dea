"""Makes client/examples/strength/train.csv: mixtures and their strength, by a formula with noise.

usage: python3 client/examples/strength/make.py > client/examples/strength/train.csv
"""

import math
import random

CEMENTS = {"portland": 0.0, "slag": 4.0, "pozzolan": -3.0, "white": 7.0}


def main() -> None:
    rng = random.Random(0)
    print("cement,water,binder,age,type,strength")
    for _ in range(600):
        cement = rng.uniform(150, 500)
        water = rng.uniform(120, 240)
        binder = rng.uniform(0, 150)
        age = rng.choice([3, 7, 14, 28, 56, 90])
        kind = rng.choice(sorted(CEMENTS))
        strength = (12 * (cement + 0.6 * binder) / water + 7 * math.log(age) + CEMENTS[kind] +
                    rng.gauss(0, 1.5) - 10)
        print(f"{cement:.1f},{water:.1f},{binder:.1f},{age},{kind},{strength:.2f}")


if __name__ == "__main__":
    main()
