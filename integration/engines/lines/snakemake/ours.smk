rule all:
    input:
        expand("result-{number}.json", number=range(8)),


# [lines]
rule task:
    input: "task.py", tarball="venv.tar.gz"
    output: "result-{number}.json"
    shell: "./python_package_run -e {input.tarball} -- python3 task.py {wildcards.number} >{output}"
# [end]
