rule all:
    input:
        expand("result-{number}.json", number=range(8)),


# [lines]
rule environment:
    input: "venv.tar.gz"
    output: directory("env")
    shell: "mkdir {output} && tar xzf {input} -C {output} && {output}/bin/python {output}/bin/conda-unpack"

rule task:
    input: "task.py", environment="env"
    output: "result-{number}.json"
    shell: "set +u; source {input.environment}/bin/activate; python3 task.py {wildcards.number} >{output}"
# [end]
