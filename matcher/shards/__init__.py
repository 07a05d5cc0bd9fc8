"""Parts of a bundle on several processes: what each holds, what it is asked, and how the answers become one."""
