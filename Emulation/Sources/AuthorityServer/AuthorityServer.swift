import Authority
import FlyingSocks
