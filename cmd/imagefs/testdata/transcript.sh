# The script of TestTranscript: each line is run by a shell of its own, in a directory that the lines share, once with
# docker and once with imagefs as docker. $REG is a registry with the images of fillRegistry. Of what is to be compared as a
# set, the order of the lines, and how often they come, does not matter.

# what cannot be understood
docker tag a
docker tag a b c
docker rmi
docker image rm
docker images a b
docker load x
docker history
docker inspect
docker image inspect
docker pull
docker push a b
docker search
docker login a b
docker logout a b
docker events x
docker image prune x
docker nope
docker rmi --nope x
docker rmi -x y
docker images -qx
docker images -f x
docker images --format
docker search --limit x a
docker history --human=perhaps a
docker image rm --nope

# pull
docker pull $REG/box:1
docker pull $REG/box:1
docker pull -q $REG/box:2
docker pull $REG/box
docker pull -q $REG/box
docker pull $REG/nope:1
docker pull Upper
docker pull -a $REG/box
docker pull -a $REG/box:1
docker pull $REG/multi:1
docker pull $REG/other:1
docker image pull --platform linux/s390x $REG/other:1
docker pull --platform a/b/c/d $REG/box:1
docker pull $REG/box@sha256:0000000000000000000000000000000000000000000000000000000000000000
docker pull 127.0.0.1:1/x

# images
docker images
docker image ls --no-trunc
docker image list -q
docker images --digests
docker images -aq --no-trunc
docker images $REG/box
docker images $REG/box:2
docker images nothing
docker images -qf reference=$REG/box
docker images -q --filter before=$REG/box:2
docker images -q --filter=since=$REG/box:1
docker images -f label=maintainer=me --format '{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}'
docker images -f label=nobody
docker images -f dangling=true
docker images -f dangling=perhaps
docker images -f x=y
docker images -f before=nope
docker images --format 'table {{.Tag}}\t{{.Repository}}'
docker images --format '{{.Nope}}'
docker images --format '{{'

# tag
docker tag $REG/box:1 web:v1
docker image tag web:v1 web:v2
docker tag web:v1 registry.example:5000/web:v1
docker tag $(docker images -q $REG/box:2) two
docker tag nope x
docker tag web:v1 Upper
docker tag web:v1 x@sha256:0000000000000000000000000000000000000000000000000000000000000000
docker tag web:v1 sha256:v1
docker images web
docker images two

# history and inspect
docker history $REG/multi:1
docker image history --no-trunc $REG/multi:1
docker history -q $REG/multi:1
docker history -H=false $REG/multi:1
docker history --format '{{.CreatedBy}} {{.Size}}' $REG/multi:1
docker history nope
docker inspect --format '{{.Id}} {{json .RepoTags}} {{json .RepoDigests}}' web:v1
docker inspect -f '{{.Os}}/{{.Architecture}} {{.Created}} {{.Size}} {{json .Config.Env}} {{json .RootFS}}' web:v1 two
docker image inspect --format '{{.Nope}}' web:v1
docker image inspect --format '{{' web:v1
docker inspect web:v1
docker inspect nope
docker image inspect nope web:v1 -f '{{.Id}}'
docker inspect --type image nope
docker inspect --type container web:v1
docker inspect --type nope web:v1

# rmi
docker rmi nope
docker rmi Upper
docker rmi registry.example:5000/web:v1
docker rmi web:v2 nope two
docker rmi $(docker images -q web:v1)
docker rmi $(docker images -q --no-trunc web:v1)
docker rmi -f nope
docker rmi -f $(docker images -q web:v1)
docker images web
docker rmi $(docker images -q $REG/box:2)
docker image remove --no-prune $REG/multi:1 $REG/other:1
docker images

# import, and images without a name
mkdir -p root/etc && echo hello > root/etc/hello && tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C root -cf root.tar etc
docker import root.tar plain:1
docker import -c 'CMD ["/bin/x"]' -c 'ENV A=b' -m hello - plain:2 < root.tar
docker image import root.tar
docker import nope.tar
docker import -c 'RUN x' root.tar
docker import root.tar Upper
docker inspect -f '{{json .Config.Cmd}} {{json .Config.Env}} {{.Comment}}' plain:2
docker rmi $(docker images -qf dangling=true)
docker tag plain:1 plain:2
docker images plain
docker images -f dangling=true
docker image prune < /dev/null
echo n | docker image prune
echo y | docker image prune
docker image prune -f
docker image prune -af --filter until=1h
docker image prune -f --filter x=y
docker image prune --filter label

# save and load
docker pull -q $REG/box:1
docker pull -q $REG/box:2
docker tag $REG/box:1 web:v1
docker tag $REG/box:2 web:v2
docker save -o one.tar web:v1
docker save web:v1 web:v2 > two.tar
docker image save plain | gzip > plain.tar.gz
docker save -o nope.tar nope
docker save -o nope/nope.tar web:v1
docker save nope | wc -c
docker save -o none.tar web:nope web:v1
ls
docker rmi -f $(docker images -q web:v1) $(docker images -q web:v2) $(docker images -q plain)
docker load -i one.tar
docker load < two.tar # as a set
docker load -i two.tar # as a set
docker image load -q -i plain.tar.gz
docker load -i nope.tar
echo garbage | docker load
docker load < /dev/null
docker load -i root.tar
docker images

# push
docker tag web:v1 $REG/pushed:v1
docker tag web:v2 $REG/pushed:v2
docker push $REG/pushed:v1
docker push $REG/pushed:v1
docker push -q $REG/pushed:v2
docker push -a $REG/pushed
docker push -qa $REG/pushed
docker push $REG/pushed
docker push $REG/pushed:nope
docker push -a $REG/pushed:v1
docker push Upper
docker push 127.0.0.1:1/web:v1
docker tag web:v1 127.0.0.1:1/web:v1 && docker push 127.0.0.1:1/web:v1
docker rmi $REG/pushed:v1 $REG/pushed:v2
docker image pull $REG/pushed:v1
docker pull -q $REG/multi:1
docker tag $REG/multi:1 $REG/copy:1
docker push $REG/copy:1
docker images --digests $REG/copy

# search, login, logout
docker search --limit 200 x
docker search --filter x=y a
docker login -p x --password-stdin
docker login --password-stdin
echo secret | docker login -u me --password-stdin $REG
docker logout $REG
docker logout $REG
docker login -u me -p secret 127.0.0.1:1

# events
sleep 1 # for docker, whose times have no fractions of a second
docker events --since nope
docker events --since 1h --until 0s --filter event=nope
docker events --until 0s --format '{{'
docker events --since 1h --until 0s --filter x=y > /dev/null
docker events --since 1h --until 0s --filter event=tag --filter image=web:v1 | sed 's/^[^ ]* //'
docker events --since 1h --until 0s --filter type=image --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}' # as a set
docker events --since 1h --until 0s --filter event=untag --filter label=maintainer=me --format '{{.ID}} {{.Status}}' | wc -l
docker events --since 1h --until 0s --filter event=push --format '{{json .}}' | sed 's/,"time.*//'

# containers
docker pull -q $REG/box:1
docker tag $REG/box:1 base:c
docker rmi $REG/box:1
docker create --name web base:c
docker create --name app -e A=b -l own=x -w /tmp -u me base:c sh -c 'exit 0'
docker create --name web base:c
docker create --name a/b base:c
docker create --name xx Upper
docker create --name x base:c
docker create --pull never --name xx nope
docker create
docker create --nope base:c
docker ps
docker ps -a
docker ps -aq
docker ps -a --no-trunc --format '{{.ID}} {{.Image}} {{.Command}} {{.Names}} {{.State}} {{.Status}} {{.Label "own"}}'
docker ps -a --filter name=web --format '{{json .Labels}} {{.Ports}} {{.LocalVolumes}}'
docker ps -l --format '{{.Names}}'
docker ps -n 1 --format 'table {{.Names}}\t{{.Image}}'
docker ps -a --filter name=we --format '{{.Names}}'
docker ps -a --filter ancestor=base:c --filter label=own --format '{{.Names}}'
docker ps --filter status=created --format '{{.Names}}'
docker ps -a --filter since=web --format '{{.Names}}'
docker ps -a --filter since=nope
docker ps -a --filter x=y
docker ps -a --filter status=lost
docker ps --filter x
docker ps x
docker diff web
docker diff nope
docker diff
echo one > file && docker cp file web:/etc/file
docker cp file web:/new
docker cp web:/nope .
docker cp web:/etc/file copy && cat copy
docker cp nope:/x .
docker cp a b
docker cp web:/a app:/b
docker cp file web:/nope/file
docker cp /usr/nope web:/
docker cp file nope:/x/y
docker cp file web:/nope/
docker diff web # as a set
docker commit -a me -m 'a message' -c 'CMD ["x"]' web mine:1
docker commit app
docker commit nope
docker commit web Upper
docker commit -c 'RUN true' web
docker commit
docker inspect -f '{{.Author}} {{.Config.Cmd}} {{.Config.Labels}} {{.ContainerConfig.Cmd}} {{.Comment}}' mine:1
docker rmi base:c
docker rmi $(docker images -q base:c)
docker image prune -af --filter label=nope
docker rm web nope app
docker rm web
docker rm
docker ps -a
