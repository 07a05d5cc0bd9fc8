"""Running gongxu on more than one machine: compose and Kubernetes files, and scripts that rehearse them without containers."""
